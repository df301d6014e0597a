async fn save(
    (a, b): (bool, Pool),
    cache: Cache,
    mut users: Vec<User>,
    _: Context,
) -> Result<(), Error> {
    static __SITE: ::my::rt::__private::Site = ::my::rt::__private::Site::new(
        ::my::rt::__private::concat!(::my::rt::__private::module_path!(), "::save"),
        ::my::rt::__private::file!(),
        ::my::rt::__private::line!(),
        ::my::rt::__private::template(|UserKey { .. }| ()),
        ::my::rt::__private::Policy::per_value().version(2u32).jitter(0f64),
    );
    static __QUEUE: ::my::rt::__private::Queue = ::my::rt::__private::Queue::new(
            ::my::rt::__private::concat!(::my::rt::__private::module_path!(), "::save"),
        )
        .named("users")
        .max_batch(50)
        .linger(::my::rt::__private::Duration::from_millis(5u64))
        .keep_all()
        .refuse_when_full()
        .retries(3)
        .high_water(1000)
        .accept_loss();
    let mut __behind = ::my::rt::__private::Behind::new(
            &__SITE,
            &__QUEUE,
            ::my::rt::__private::kept(
                ::my::rt::__private::Returned::<User>::new(),
                ::my::rt::__private::describe!(
                    ::my::rt::__private::Returned:: < User > ::new()
                ),
            ),
        )
        .cache(cache.clone())
        .when(a);
    if __behind.asks() {
        for user in users.iter() {
            let __key = ::my::rt::__private::key_of_value(
                user,
                &UserKey { id: user.id },
            );
            __behind.value(user, __key);
            __behind.ttl(user, |user| user.ttl);
            let mut __tag = ::my::rt::__private::KeyWriter::new("org:");
            ::my::rt::__private::part(&mut __tag, &user.org, "");
            __behind.tag(__tag);
        }
    }
    let __behind = ::my::rt::__private::behind(
        __behind,
        ::my::rt::__private::shape!(Result < (), Error >),
    );
    let mut __behind = ::my::rt::__private::refusing(__behind);
    if let ::my::rt::__private::Some(__out) = __behind.accept().await {
        return __out;
    }
    let __out = __behind
        .run(async move {
            if let ::my::rt::__private::Some(__out) = ::my::rt::__private::None::<
                Result<(), Error>,
            > {
                return __out;
            }
            { body() }
        })
        .await;
    let __value = match __behind.settle(__out) {
        ::my::rt::__private::Ok(__value) => __value,
        ::my::rt::__private::Err(__out) => return __out,
    };
    __behind.finish().await;
    __behind.give(__value)
}
#[allow(dead_code, deprecated, reason = "it may be for another program to be at work")]
fn save_worker(
    argument_0: (bool, Pool),
    cache: Cache,
    argument_3: Context,
) -> ::my::rt::__private::WriteBehind {
    static __SITE: ::my::rt::__private::Site = ::my::rt::__private::Site::new(
        ::my::rt::__private::concat!(::my::rt::__private::module_path!(), "::save"),
        ::my::rt::__private::file!(),
        ::my::rt::__private::line!(),
        ::my::rt::__private::template(|UserKey { .. }| ()),
        ::my::rt::__private::Policy::per_value().version(2u32).jitter(0f64),
    );
    static __QUEUE: ::my::rt::__private::Queue = ::my::rt::__private::Queue::new(
            ::my::rt::__private::concat!(::my::rt::__private::module_path!(), "::save"),
        )
        .named("users")
        .max_batch(50)
        .linger(::my::rt::__private::Duration::from_millis(5u64))
        .keep_all()
        .refuse_when_full()
        .retries(3)
        .high_water(1000)
        .accept_loss();
    let __drain = ::my::rt::__private::Drain::new(&__SITE, &__QUEUE)
        .cache(cache.clone());
    __drain
        .by(
            ::my::rt::__private::kept(
                ::my::rt::__private::Returned::<User>::new(),
                ::my::rt::__private::describe!(
                    ::my::rt::__private::Returned:: < User > ::new()
                ),
            ),
            ::my::rt::__private::reason!(
                ::my::rt::__private::shape!(Result < (), Error >)
            ),
            move |__values: Vec<User>| {
                let argument_0 = ::my::rt::__private::along(&argument_0);
                let cache = ::my::rt::__private::along(&cache);
                let argument_3 = ::my::rt::__private::along(&argument_3);
                save(argument_0, cache, __values, argument_3)
            },
        )
}

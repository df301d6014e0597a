/// Docs stay.
#[cfg(unix)]
pub async fn save_users(pool: SqlitePool, users: Vec<User>) -> Result<(), sqlx::Error> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::save_users"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<user.id>",
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(3600000u64),
        ),
    );
    static __QUEUE: ::cached_runtime::__private::Queue = ::cached_runtime::__private::Queue::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::save_users"
        ),
    );
    let mut __behind = ::cached_runtime::__private::Behind::new(
        &__SITE,
        &__QUEUE,
        ::cached_runtime::__private::kept(
            ::cached_runtime::__private::Returned::<User>::new(),
            ::cached_runtime::__private::describe!(
                ::cached_runtime::__private::Returned:: < User > ::new()
            ),
        ),
    );
    if __behind.asks() {
        for user in users.iter() {
            let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
            ::cached_runtime::__private::part(&mut __key, &user.id, "");
            __behind.value(user, __key);
        }
    }
    let mut __behind = ::cached_runtime::__private::behind(
        __behind,
        ::cached_runtime::__private::shape!(Result < (), sqlx::Error >),
    );
    if let ::cached_runtime::__private::Some(__out) = __behind.accept().await {
        return __out;
    }
    let __out = __behind
        .run(async move {
            if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                Result<(), sqlx::Error>,
            > {
                return __out;
            }
            {
                insert(&users).execute(&pool).await?;
                Ok(())
            }
        })
        .await;
    let __value = match __behind.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __behind.finish().await;
    __behind.give(__value)
}
#[cfg(unix)]
/** The worker of [`save_users`](save_users): spawned, it writes what was queued, in batches.

 Of each queue one worker writes at a time, in whichever process it is, and another one takes over when it is gone.*/
#[allow(dead_code, deprecated, reason = "it may be for another program to be at work")]
pub fn save_users_worker(pool: SqlitePool) -> ::cached_runtime::__private::WriteBehind {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::save_users"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<user.id>",
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(3600000u64),
        ),
    );
    static __QUEUE: ::cached_runtime::__private::Queue = ::cached_runtime::__private::Queue::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::save_users"
        ),
    );
    let __drain = ::cached_runtime::__private::Drain::new(&__SITE, &__QUEUE);
    __drain
        .by(
            ::cached_runtime::__private::kept(
                ::cached_runtime::__private::Returned::<User>::new(),
                ::cached_runtime::__private::describe!(
                    ::cached_runtime::__private::Returned:: < User > ::new()
                ),
            ),
            ::cached_runtime::__private::reason!(
                ::cached_runtime::__private::shape!(Result < (), sqlx::Error >)
            ),
            move |__values: Vec<User>| {
                let pool = ::cached_runtime::__private::along(&pool);
                save_users(pool, __values)
            },
        )
}

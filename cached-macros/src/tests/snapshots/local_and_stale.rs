async fn find_user(id: i64) -> Result<Option<User>, Error> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::find_user"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<id>",
        ::cached_runtime::__private::Policy::ttl(
                ::cached_runtime::__private::Duration::from_millis(60000u64),
            )
            .error_ttl(::cached_runtime::__private::Duration::from_millis(1000u64))
            .stale(::cached_runtime::__private::Duration::from_millis(600000u64))
            .in_background()
            .local(::cached_runtime::__private::Duration::MAX),
    );
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __local = ::cached_runtime::__private::local_tier!(
        ::cached_runtime::__private::shape!(share Result < Option < User >, Error >)
    );
    if let ::cached_runtime::__private::Some(__out) = __local
        .hit_plainly(&__SITE, &__key)
    {
        return __out;
    }
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let mut __slot = ::cached_runtime::__private::remembering(
        __local.slot(::cached_runtime::__private::open(__call).await),
    );
    let __load = ::cached_runtime::__private::in_background(
        &__slot,
        move |mut __slot| async move {
            let __out = __slot
                .load(async move {
                    if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                        Result<Option<User>, Error>,
                    > {
                        return __out;
                    }
                    { body(id).await }
                })
                .await;
            let __value = match __slot.settle(__out) {
                ::cached_runtime::__private::Ok(__value) => __value,
                ::cached_runtime::__private::Err(__out) => return __out,
            };
            __slot.fill().await;
            __slot.give(__value)
        },
    );
    match __slot.hit().await {
        ::cached_runtime::__private::Some(__out) => {
            __slot.refresh(__load);
            __out
        }
        ::cached_runtime::__private::None => __load(__slot).await,
    }
}

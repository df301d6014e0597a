async fn find_user(id: i64) -> Result<User, Error> {
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
            .error_ttl(::cached_runtime::__private::Duration::from_millis(200u64)),
    );
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let mut __slot = ::cached_runtime::__private::remembering(
        ::cached_runtime::__private::typed(
            ::cached_runtime::__private::open(__call).await,
            ::cached_runtime::__private::shape!(share Result < User, Error >),
        ),
    );
    if let ::cached_runtime::__private::Some(__out) = __slot.hit().await {
        return __out;
    }
    let __out = __slot
        .load(async move {
            if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                Result<User, Error>,
            > {
                return __out;
            }
            { body() }
        })
        .await;
    let __value = match __slot.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __slot.fill().await;
    __slot.give(__value)
}

fn find_user(id: i64) -> BoxFuture<'static, User> {
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
            .local(::cached_runtime::__private::Duration::MAX),
    );
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let __body = (move || -> BoxFuture<'static, User> { Box::pin(body(id)) })();
    ::cached_runtime::__private::Box::pin(async move {
        let __local = ::cached_runtime::__private::local_tier!(
            ::cached_runtime::__private::shape!(share User)
        );
        if let ::cached_runtime::__private::Some(__out) = __local.hit(&__call) {
            return __out;
        }
        let mut __slot = __local.slot(::cached_runtime::__private::open(__call).await);
        if let ::cached_runtime::__private::Some(__out) = __slot.hit().await {
            return __out;
        }
        let __out = __slot.load(__body).await;
        let __value = match __slot.settle(__out) {
            ::cached_runtime::__private::Ok(__value) => __value,
            ::cached_runtime::__private::Err(__out) => return __out,
        };
        __slot.fill().await;
        __slot.give(__value)
    })
}

async fn find_user(org: u8, id: i64) -> Result<Option<User>, Error> {
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
            .local(::cached_runtime::__private::Duration::from_millis(5000u64)),
    );
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let mut __tag = ::cached_runtime::__private::KeyWriter::new("org:");
    ::cached_runtime::__private::part(&mut __tag, &org, "");
    let __call = __call.tag(__tag);
    let __local = ::cached_runtime::__private::local_tier!(
        ::cached_runtime::__private::shape!(share Result < Option < User >, Error >)
    );
    if let ::cached_runtime::__private::Some(__out) = __local.hit(&__call) {
        return __out;
    }
    let mut __slot = __local.slot(::cached_runtime::__private::open(__call).await);
    if let ::cached_runtime::__private::Some(__out) = __slot.hit().await {
        return __out;
    }
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
}

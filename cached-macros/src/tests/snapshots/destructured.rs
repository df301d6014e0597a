async fn page(
    Page { number, size, .. }: Page,
    mut pair: (Filter, u8),
    r#type: u8,
    _: Ctx,
) -> Vec<User> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::page"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "page:<number>:<size>:<pair.0.name()|hash>:<r#type>",
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(30000u64),
        ),
    );
    let mut __key = ::cached_runtime::__private::KeyWriter::new("page:");
    ::cached_runtime::__private::part(&mut __key, &number, ":");
    ::cached_runtime::__private::part(&mut __key, &size, ":");
    ::cached_runtime::__private::hashed(&mut __key, &pair.0.name(), ":");
    ::cached_runtime::__private::part(&mut __key, &r#type, "");
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let mut __slot = ::cached_runtime::__private::typed(
        ::cached_runtime::__private::open(__call).await,
        ::cached_runtime::__private::shape!(share Vec < User >),
    );
    if let ::cached_runtime::__private::Some(__out) = __slot.hit().await {
        return __out;
    }
    let __out = __slot
        .load(async move {
            if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                Vec<User>,
            > {
                return __out;
            }
            { vec![] }
        })
        .await;
    let __value = match __slot.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __slot.fill().await;
    __slot.give(__value)
}

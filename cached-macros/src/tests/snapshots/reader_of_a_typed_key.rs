async fn find(id: i64) -> Result<Option<User>, Error> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::find"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        ::cached_runtime::__private::template(|UserKey { .. }| ()),
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(60000u64),
        ),
    );
    let __key = ::cached_runtime::__private::key_of(
        ::cached_runtime::__private::shape!(Result < Option < User >, Error >),
        &UserKey { id },
    );
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let mut __slot = ::cached_runtime::__private::typed(
        ::cached_runtime::__private::open(__call).await,
        ::cached_runtime::__private::shape!(share Result < Option < User >, Error >),
    );
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
            { Ok(None) }
        })
        .await;
    let __value = match __slot.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __slot.fill().await;
    __slot.give(__value)
}

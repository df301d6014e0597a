async fn find_user(
    &self,
    pool: &Pool,
    id: i64,
    kind: u8,
) -> Result<Option<User>, Error> {
    static __SITE: ::my::rt::__private::Site = ::my::rt::__private::Site::new(
        ::my::rt::__private::concat!(::my::rt::__private::module_path!(), "::find_user"),
        ::my::rt::__private::file!(),
        ::my::rt::__private::line!(),
        "user:{<self.tenant>}:<id><kind>:<<x>>",
        ::my::rt::__private::Policy::ttl(
                ::my::rt::__private::Duration::from_millis(5400000u64),
            )
            .mutex()
            .lease(::my::rt::__private::Duration::from_millis(2000u64))
            .wait(::my::rt::__private::Duration::from_millis(10000u64))
            .none_ttl(::my::rt::__private::Duration::from_millis(30000u64))
            .version(2u32)
            .jitter(0.1f64)
            .load_timeout(::my::rt::__private::Duration::from_millis(5000u64)),
    );
    let mut __key = ::my::rt::__private::KeyWriter::new("user:{");
    ::my::rt::__private::part(&mut __key, &self.tenant, "}:");
    ::my::rt::__private::part(&mut __key, &id, ",");
    ::my::rt::__private::part(&mut __key, &kind, ":<x>");
    let __call = ::my::rt::__private::Call::new(&__SITE, __key)
        .cache(self.cache.clone())
        .when(id > 0);
    let mut __slot = ::my::rt::__private::typed(
        ::my::rt::__private::open(__call).await,
        ::my::rt::__private::shape!(share Result < Option < User >, Error >),
    );
    if let ::my::rt::__private::Some(__out) = __slot.hit().await {
        return __out;
    }
    let __out = __slot
        .load(async move {
            if let ::my::rt::__private::Some(__out) = ::my::rt::__private::None::<
                Result<Option<User>, Error>,
            > {
                return __out;
            }
            { body() }
        })
        .await;
    let __out = __slot.unless(__out, |user| user.is_none());
    let __value = match __slot.settle(__out) {
        ::my::rt::__private::Ok(__value) => __value,
        ::my::rt::__private::Err(__out) => return __out,
    };
    __slot.fill().await;
    __slot.give(__value)
}

async fn save(cache: &Cache, id: i64, tx: &mut PgTransaction<'_>) -> Outcome<User> {
    static __SITE: ::my::rt::__private::Site = ::my::rt::__private::Site::new(
        ::my::rt::__private::concat!(::my::rt::__private::module_path!(), "::save"),
        ::my::rt::__private::file!(),
        ::my::rt::__private::line!(),
        ::my::rt::__private::template(|UserKey { .. }| ()),
        ::my::rt::__private::Policy::ttl(
                ::my::rt::__private::Duration::from_millis(3600000u64),
            )
            .none_ttl(::my::rt::__private::Duration::from_millis(5000u64))
            .version(2u32)
            .jitter(0f64)
            .load_timeout(::my::rt::__private::Duration::from_millis(5000u64)),
    );
    let __write = ::my::rt::__private::Write::new(&__SITE)
        .cache(cache.clone())
        .when(true)
        .after_commit()
        .through();
    let __key = ::my::rt::__private::key_of(
        ::my::rt::__private::shape!(result Outcome < User >),
        &UserKey { id },
    );
    let __write = __write.key(__key);
    let mut __write = ::my::rt::__private::writing_through(
        ::my::rt::__private::begin(__write).await,
        ::my::rt::__private::shape!(result Outcome < User >),
    );
    let __out = __write
        .run(async move {
            if let ::my::rt::__private::Some(__out) = ::my::rt::__private::None::<
                Outcome<User>,
            > {
                return __out;
            }
            { body(tx).await }
        })
        .await;
    let __value = match __write.settle(__out) {
        ::my::rt::__private::Ok(__value) => __value,
        ::my::rt::__private::Err(__out) => return __out,
    };
    __write.finish().await;
    __write.give(__value)
}

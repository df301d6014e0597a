async fn rename(org: i64, id: i64, name: &str) -> Result<User, sqlx::Error> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::rename"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<id>",
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(3600000u64),
        ),
    );
    let __write = ::cached_runtime::__private::Write::new(&__SITE).through();
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __write = __write.key(__key);
    let mut __tag = ::cached_runtime::__private::KeyWriter::new("org:");
    ::cached_runtime::__private::part(&mut __tag, &org, "");
    let __write = __write.tag(__tag);
    let mut __write = ::cached_runtime::__private::writing_through(
        ::cached_runtime::__private::begin(__write).await,
        ::cached_runtime::__private::shape!(Result < User, sqlx::Error >),
    );
    let __out = __write
        .run(async move {
            if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                Result<User, sqlx::Error>,
            > {
                return __out;
            }
            { query(id, name).await }
        })
        .await;
    let __value = match __write.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __write.finish().await;
    __write.give(__value)
}

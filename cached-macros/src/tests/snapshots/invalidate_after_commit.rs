async fn create(tx: &mut Transaction<'_, Sqlite>) -> i64 {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::create"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "org:<result>",
        ::cached_runtime::__private::Policy::never(),
    );
    let __write = ::cached_runtime::__private::Write::new(&__SITE).after_commit();
    let mut __write = ::cached_runtime::__private::writing(
        ::cached_runtime::__private::begin(__write).await,
        ::cached_runtime::__private::shape!(i64),
    );
    let __out = __write
        .run(async move {
            if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                i64,
            > {
                return __out;
            }
            { body() }
        })
        .await;
    let __value = match __write.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    if let ::cached_runtime::__private::Some(result) = __write.result(&__value) {
        let mut __tag = ::cached_runtime::__private::KeyWriter::new("org:");
        ::cached_runtime::__private::part(&mut __tag, &result, "");
        __write.tag(__tag);
    }
    __write.finish().await;
    __write.give(__value)
}

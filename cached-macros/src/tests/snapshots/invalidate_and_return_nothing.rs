async fn delete(id: i64) {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::delete"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<id>",
        ::cached_runtime::__private::Policy::never(),
    );
    let __write = ::cached_runtime::__private::Write::new(&__SITE);
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __write = __write.key(__key);
    let mut __write = ::cached_runtime::__private::writing(
        ::cached_runtime::__private::begin(__write).await,
        ::cached_runtime::__private::shape!(()),
    );
    let __out = __write.run(async move { { body().await } }).await;
    let __value = match __write.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __write.finish().await;
    __write.give(__value)
}

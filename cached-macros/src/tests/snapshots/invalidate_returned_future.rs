fn set(&self, key: u32) -> impl Future<Output = Option<u8>> + Send {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::set"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "config:<key>",
        ::cached_runtime::__private::Policy::never(),
    );
    let __write = ::cached_runtime::__private::Write::new(&__SITE);
    let mut __key = ::cached_runtime::__private::KeyWriter::new("config:");
    ::cached_runtime::__private::part(&mut __key, &key, "");
    let __write = __write.key(__key);
    let __body = (move || { async move { self.store(key).await } })();
    async move {
        let mut __write = ::cached_runtime::__private::writing(
            ::cached_runtime::__private::begin(__write).await,
            ::cached_runtime::__private::shape!(Option < u8 >),
        );
        let __out = __write.run(__body).await;
        let __value = match __write.settle(__out) {
            ::cached_runtime::__private::Ok(__value) => __value,
            ::cached_runtime::__private::Err(__out) => return __out,
        };
        if let ::cached_runtime::__private::Some(result) = __write.result(&__value) {
            let mut __tag = ::cached_runtime::__private::KeyWriter::new("configs:");
            ::cached_runtime::__private::part(&mut __tag, &result, "");
            __write.tag(__tag);
        }
        __write.finish().await;
        __write.give(__value)
    }
}

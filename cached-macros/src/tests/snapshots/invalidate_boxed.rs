fn set<'life0, 'life1, 'async_trait>(
    &'life0 self,
    key: &'life1 str,
) -> ::core::pin::Pin<
    Box<
        dyn ::core::future::Future<
            Output = Result<(), StorageError>,
        > + ::core::marker::Send + 'async_trait,
    >,
>
where
    'life0: 'async_trait,
    'life1: 'async_trait,
    Self: 'async_trait,
{
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
    let __body = move || -> ::core::pin::Pin<
        Box<
            dyn ::core::future::Future<
                Output = Result<(), StorageError>,
            > + ::core::marker::Send + 'async_trait,
        >,
    > {
        Box::pin(async move {
            let __self = self;
            __self.store(key).await
        })
    };
    ::cached_runtime::__private::Box::pin(async move {
        let mut __write = ::cached_runtime::__private::writing(
            ::cached_runtime::__private::begin(__write).await,
            ::cached_runtime::__private::shape!(Result < (), StorageError >),
        );
        let __out = __write.run(__body()).await;
        let __value = match __write.settle(__out) {
            ::cached_runtime::__private::Ok(__value) => __value,
            ::cached_runtime::__private::Err(__out) => return __out,
        };
        __write.finish().await;
        __write.give(__value)
    })
}

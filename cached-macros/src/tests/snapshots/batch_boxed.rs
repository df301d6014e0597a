fn find<'life0, 'life1, 'async_trait>(
    &'life0 self,
    keys: &'life1 [String],
    filter: Filter,
) -> ::core::pin::Pin<
    Box<
        dyn ::core::future::Future<
            Output = HashMap<String, Config>,
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
            ::cached_runtime::__private::module_path!(), "::find"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "config:<key>",
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(60000u64),
        ),
    );
    let mut __batch = ::cached_runtime::__private::Batch::new(&__SITE);
    let __each = ::cached_runtime::__private::each(
        &keys[..],
        ::cached_runtime::__private::shape!(share HashMap < String, Config >),
    );
    for key in keys.iter() {
        let mut __key = ::cached_runtime::__private::KeyWriter::new("config:");
        ::cached_runtime::__private::part(&mut __key, &key, "");
        __batch.key(__key);
    }
    ::cached_runtime::__private::Box::pin(async move {
        let mut __slots = ::cached_runtime::__private::gathering(
            ::cached_runtime::__private::open_batch(__batch).await,
            ::cached_runtime::__private::describe!(__each.stored()),
            __each,
        );
        while let ::cached_runtime::__private::Some(__missing) = __slots.missing().await
        {
            let __out = {
                let filter = ::cached_runtime::__private::again(&filter);
                let keys = &__missing[..];
                {
                    _ = &keys;
                }
                __slots
                    .load(
                        (|| -> ::core::pin::Pin<
                            Box<
                                dyn ::core::future::Future<
                                    Output = HashMap<String, Config>,
                                > + ::core::marker::Send + '_,
                            >,
                        > {
                            Box::pin(async move {
                                let __self = self;
                                let keys = keys;
                                let filter = filter;
                                body(keys).await
                            })
                        })(),
                    )
                    .await
            };
            if let ::cached_runtime::__private::Err(__out) = __slots.settle(__out) {
                return __out;
            }
            __slots.fill().await;
        }
        __slots.give()
    })
}

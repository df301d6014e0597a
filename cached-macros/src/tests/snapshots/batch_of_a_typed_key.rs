async fn find(ids: &Vec<i64>) -> Vec<Option<User>> {
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
    let mut __batch = ::cached_runtime::__private::Batch::new(&__SITE);
    let __each = ::cached_runtime::__private::each(
        &ids[..],
        ::cached_runtime::__private::shape!(share Vec < Option < User > >),
    );
    for id in ids.iter() {
        let __key = ::cached_runtime::__private::key_of_each(
            &__each,
            &UserKey { id: *id },
        );
        __batch.key(__key);
    }
    let mut __slots = ::cached_runtime::__private::gathering(
        ::cached_runtime::__private::open_batch(__batch).await,
        ::cached_runtime::__private::describe!(__each.stored()),
        __each,
    );
    while let ::cached_runtime::__private::Some(__missing) = __slots.missing().await {
        let __out = {
            let ids = &__missing;
            {
                _ = &ids;
            }
            __slots
                .load(async move {
                    if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                        Vec<Option<User>>,
                    > {
                        return __out;
                    }
                    { vec![] }
                })
                .await
        };
        if let ::cached_runtime::__private::Err(__out) = __slots.settle(__out) {
            return __out;
        }
        __slots.fill().await;
    }
    __slots.give()
}

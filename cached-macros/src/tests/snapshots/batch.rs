/// Docs stay.
async fn find_users(&self, ids: &[i64]) -> Result<HashMap<i64, User>, sqlx::Error> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::find_users"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<id>",
        ::cached_runtime::__private::Policy::ttl(
                ::cached_runtime::__private::Duration::from_millis(3600000u64),
            )
            .mutex(),
    );
    let mut __batch = ::cached_runtime::__private::Batch::new(&__SITE);
    let __each = ::cached_runtime::__private::each(
        &ids[..],
        ::cached_runtime::__private::shape!(
            share Result < HashMap < i64, User >, sqlx::Error >
        ),
    );
    for id in ids.iter() {
        let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
        ::cached_runtime::__private::part(&mut __key, &id, "");
        __batch.key(__key);
    }
    let mut __slots = ::cached_runtime::__private::gathering(
        ::cached_runtime::__private::open_batch(__batch).await,
        ::cached_runtime::__private::describe!(__each.stored()),
        __each,
    );
    while let ::cached_runtime::__private::Some(__missing) = __slots.missing().await {
        let __out = {
            let ids = &__missing[..];
            {
                _ = &ids;
            }
            __slots
                .load(async move {
                    if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                        Result<HashMap<i64, User>, sqlx::Error>,
                    > {
                        return __out;
                    }
                    { query(ids).await }
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

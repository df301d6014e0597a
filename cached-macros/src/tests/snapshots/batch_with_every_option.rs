async fn find(
    &self,
    pool: &Pool,
    tx: &mut Transaction<'_, Db>,
    kind: &str,
    org: u8,
    #[cfg(test)]
    filter: Filter,
    Page { mask, number: ref mut size, .. }: Page,
    ids: Vec<(Id, u8)>,
) -> Outcome<Vec<User>> {
    static __SITE: ::my::rt::__private::Site = ::my::rt::__private::Site::new(
        ::my::rt::__private::concat!(::my::rt::__private::module_path!(), "::find"),
        ::my::rt::__private::file!(),
        ::my::rt::__private::line!(),
        "user:{<self.tenant>}:<id.0>:<kind>",
        ::my::rt::__private::Policy::per_value()
            .mutex()
            .none_ttl(::my::rt::__private::Duration::from_millis(5000u64)),
    );
    let mut __batch = ::my::rt::__private::Batch::new(&__SITE)
        .cache(self.cache.clone())
        .when(org > 0)
        .when(false);
    let __each = ::my::rt::__private::each_by(
        &ids[..],
        ::my::rt::__private::shape!(share result Outcome < Vec < User > >),
        |user| user.id,
    );
    for id in ids.iter() {
        let mut __key = ::my::rt::__private::KeyWriter::new("user:{");
        ::my::rt::__private::part(&mut __key, &self.tenant, "}:");
        ::my::rt::__private::part(&mut __key, &id.0, ":");
        ::my::rt::__private::part(&mut __key, &kind, "");
        __batch.key(__key);
        let mut __tag = ::my::rt::__private::KeyWriter::new("org:");
        ::my::rt::__private::part(&mut __tag, &org, "");
        __batch.tag(__tag);
        let mut __tag = ::my::rt::__private::KeyWriter::new("");
        ::my::rt::__private::part(&mut __tag, &id.1, "");
        __batch.tag(__tag);
    }
    let mut __slots = ::my::rt::__private::gathering(
        ::my::rt::__private::open_batch(__batch).await,
        ::my::rt::__private::describe!(__each.stored()),
        __each,
    );
    while let ::my::rt::__private::Some(__missing) = __slots.missing().await {
        let __out = {
            let tx = &mut *tx;
            let mut kind = kind;
            {
                _ = &kind;
            }
            let org = ::my::rt::__private::again(&org);
            {
                _ = &org;
            }
            #[cfg(test)]
            let filter = ::my::rt::__private::again(&filter);
            let mut mask = ::my::rt::__private::again(&mask);
            let size = &mut *size;
            let mut ids = __missing;
            {
                _ = &ids;
            }
            __slots
                .load(async move {
                    if let ::my::rt::__private::Some(__out) = ::my::rt::__private::None::<
                        Outcome<Vec<User>>,
                    > {
                        return __out;
                    }
                    { body() }
                })
                .await
        };
        if let ::my::rt::__private::Err(__out) = __slots.settle(__out) {
            return __out;
        }
        __slots.ttl(|user| user.ttl);
        __slots.unless(|user| user.draft);
        __slots.fill().await;
    }
    __slots.give()
}

fn find(conn: &mut PgConnection, ids: &[i64]) -> QueryResult<HashMap<i64, User>> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::find"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<id>",
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(60000u64),
        ),
    );
    let mut __batch = ::cached_runtime::__private::Batch::new(&__SITE);
    let __each = ::cached_runtime::__private::each(
        &ids[..],
        ::cached_runtime::__private::shape!(share QueryResult < HashMap < i64, User > >),
    );
    for id in ids.iter() {
        let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
        ::cached_runtime::__private::part(&mut __key, &id, "");
        __batch.key(__key);
    }
    let mut __slots = ::cached_runtime::__private::gathering(
        ::cached_runtime::__private::open_batch_blocking(__batch),
        ::cached_runtime::__private::describe!(__each.stored()),
        __each,
    );
    while let ::cached_runtime::__private::Some(__missing) = __slots.missing_blocking() {
        let __out = {
            let conn = &mut *conn;
            let ids = &__missing[..];
            {
                _ = &ids;
            }
            __slots.run(|| -> QueryResult<HashMap<i64, User>> { users(ids).load(conn) })
        };
        if let ::cached_runtime::__private::Err(__out) = __slots.settle(__out) {
            return __out;
        }
        __slots.fill_blocking();
    }
    __slots.give()
}

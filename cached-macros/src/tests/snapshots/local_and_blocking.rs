fn find_user(conn: &mut PgConnection, id: i64) -> QueryResult<Arc<User>> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::find_user"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<id>",
        ::cached_runtime::__private::Policy::ttl(
                ::cached_runtime::__private::Duration::from_millis(60000u64),
            )
            .local(::cached_runtime::__private::Duration::MAX),
    );
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __local = ::cached_runtime::__private::local_tier!(
        ::cached_runtime::__private::shape!(share QueryResult < Arc < User > >)
    );
    if let ::cached_runtime::__private::Some(__out) = __local
        .hit_plainly(&__SITE, &__key)
    {
        return __out;
    }
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let mut __slot = __local.slot(::cached_runtime::__private::open_blocking(__call));
    if let ::cached_runtime::__private::Some(__out) = __slot.hit_blocking() {
        return __out;
    }
    let __out = __slot.run(move || -> QueryResult<Arc<User>> { body(conn) });
    let __value = match __slot.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __slot.fill_blocking();
    __slot.give(__value)
}

fn rename(conn: &mut PgConnection, id: i64) -> QueryResult<User> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::rename"
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
        ::cached_runtime::__private::begin_blocking(__write),
        ::cached_runtime::__private::shape!(QueryResult < User >),
    );
    let __out = __write.run_blocking(move || -> QueryResult<User> { body(conn) });
    let __value = match __write.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    if let ::cached_runtime::__private::Some(result) = __write.result(&__value) {
        let mut __key = ::cached_runtime::__private::KeyWriter::new("user:email:");
        ::cached_runtime::__private::part(&mut __key, &result.email, "");
        __write.key(__key);
    }
    __write.finish_blocking();
    __write.give(__value)
}

fn save(id: i64, name: &str) -> Result<(), Error> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::save"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "user:<id>",
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(60000u64),
        ),
    );
    let __stored = &((id, name.to_owned()));
    let __write = ::cached_runtime::__private::Write::new(&__SITE)
        .value(
            __stored,
            ::cached_runtime::__private::describe!(
                ::cached_runtime::__private::stored(__stored)
            ),
        );
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __write = __write.key(__key);
    let mut __write = ::cached_runtime::__private::writing(
        ::cached_runtime::__private::begin_blocking(__write),
        ::cached_runtime::__private::shape!(Result < (), Error >),
    );
    let __out = __write.run_blocking(move || -> Result<(), Error> { body(id, name) });
    let __value = match __write.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __write.finish_blocking();
    __write.give(__value)
}

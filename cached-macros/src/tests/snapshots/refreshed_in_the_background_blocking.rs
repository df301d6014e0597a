fn find_user(id: i64) -> Option<User> {
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
            .stale(::cached_runtime::__private::Duration::from_millis(5000u64))
            .in_background()
            .no_early(),
    );
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &id, "");
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let mut __slot = ::cached_runtime::__private::typed(
        ::cached_runtime::__private::open_blocking(__call),
        ::cached_runtime::__private::shape!(share Option < User >),
    );
    let __load = ::cached_runtime::__private::in_background_blocking(
        &__slot,
        move |mut __slot| {
            let __out = __slot.run(move || -> Option<User> { body() });
            let __value = match __slot.settle(__out) {
                ::cached_runtime::__private::Ok(__value) => __value,
                ::cached_runtime::__private::Err(__out) => return __out,
            };
            __slot.fill_blocking();
            __slot.give(__value)
        },
    );
    match __slot.hit_blocking() {
        ::cached_runtime::__private::Some(__out) => {
            __slot.refresh_blocking(__load);
            __out
        }
        ::cached_runtime::__private::None => __load(__slot),
    }
}

fn find<T>(id: T) -> Vec<User> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::find"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "keys::Scoped",
        ::cached_runtime::__private::Policy::ttl(
            ::cached_runtime::__private::Duration::from_millis(60000u64),
        ),
    );
    let __key = ::cached_runtime::__private::key_of(
        ::cached_runtime::__private::shape!(value Vec < User >),
        &keys::Scoped::<T> { id: &id },
    );
    let __call = ::cached_runtime::__private::Call::new(&__SITE, __key);
    let mut __slot = ::cached_runtime::__private::typed(
        ::cached_runtime::__private::open_blocking(__call),
        ::cached_runtime::__private::shape!(value Vec < User >),
    );
    if let ::cached_runtime::__private::Some(__out) = __slot.hit_blocking() {
        return __out;
    }
    let __out = __slot.run(move || -> Vec<User> { vec![] });
    let __value = match __slot.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __slot.fill_blocking();
    __slot.give(__value)
}

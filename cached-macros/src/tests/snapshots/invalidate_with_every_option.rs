async fn rename(&self, id: i64) -> Result<User, Error> {
    static __SITE: ::my::rt::__private::Site = ::my::rt::__private::Site::new(
        ::my::rt::__private::concat!(::my::rt::__private::module_path!(), "::rename"),
        ::my::rt::__private::file!(),
        ::my::rt::__private::line!(),
        ::my::rt::__private::template(|AllUsers { .. }| ()),
        ::my::rt::__private::Policy::never(),
    );
    let __write = ::my::rt::__private::Write::new(&__SITE)
        .cache(self.cache.clone())
        .when(id > 0)
        .two_phase();
    let __key = ::my::rt::__private::any_key(&AllUsers);
    let __write = __write.key(__key);
    let mut __tag = ::my::rt::__private::KeyWriter::new("org:");
    ::my::rt::__private::part(&mut __tag, &self.org, "");
    let __write = __write.tag(__tag);
    let mut __write = ::my::rt::__private::writing(
        ::my::rt::__private::begin(__write).await,
        ::my::rt::__private::shape!(value Result < User, Error >),
    );
    let __out = __write
        .run(async move {
            if let ::my::rt::__private::Some(__out) = ::my::rt::__private::None::<
                Result<User, Error>,
            > {
                return __out;
            }
            { body() }
        })
        .await;
    let __value = match __write.settle(__out) {
        ::my::rt::__private::Ok(__value) => __value,
        ::my::rt::__private::Err(__out) => return __out,
    };
    if let ::my::rt::__private::Some(result) = __write.result(&__value) {
        let __key = ::my::rt::__private::any_key(&UserKey { id: result.id });
        __write.key(__key);
    }
    __write.finish().await;
    __write.give(__value)
}

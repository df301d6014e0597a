async fn create(org: String, kind: u8) -> Result<User, Error> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::create"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        "a:<org>:<result.id>:<kind>",
        ::cached_runtime::__private::Policy::never(),
    );
    let __write = ::cached_runtime::__private::Write::new(&__SITE);
    let mut __key_0 = ::cached_runtime::__private::KeyWriter::new("a:");
    ::cached_runtime::__private::part(&mut __key_0, &org, ":");
    let mut __tag = ::cached_runtime::__private::KeyWriter::new("");
    ::cached_runtime::__private::part(&mut __tag, &org, "");
    let __write = __write.tag(__tag);
    let mut __tag_2 = ::cached_runtime::__private::KeyWriter::new("");
    ::cached_runtime::__private::part(&mut __tag_2, &org, ":");
    let mut __write = ::cached_runtime::__private::writing(
        ::cached_runtime::__private::begin(__write).await,
        ::cached_runtime::__private::shape!(Result < User, Error >),
    );
    let __out = __write
        .run(async move {
            if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                Result<User, Error>,
            > {
                return __out;
            }
            { body(org).await }
        })
        .await;
    let __value = match __write.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    if let ::cached_runtime::__private::Some(result) = __write.result(&__value) {
        ::cached_runtime::__private::part(&mut __key_0, &result.id, ":");
        ::cached_runtime::__private::part(&mut __key_0, &kind, "");
        __write.key(__key_0);
        ::cached_runtime::__private::part(&mut __tag_2, &result.id, "");
        __write.tag(__tag_2);
    }
    __write.finish().await;
    __write.give(__value)
}

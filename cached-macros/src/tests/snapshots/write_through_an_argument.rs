async fn save(&self, user: &User) -> Result<(), Error> {
    static __SITE: ::cached_runtime::__private::Site = ::cached_runtime::__private::Site::new(
        ::cached_runtime::__private::concat!(
            ::cached_runtime::__private::module_path!(), "::save"
        ),
        ::cached_runtime::__private::file!(),
        ::cached_runtime::__private::line!(),
        ::cached_runtime::__private::template(|UserKey { .. }| ()),
        ::cached_runtime::__private::Policy::per_value(),
    );
    let __stored = &*user;
    let __write = ::cached_runtime::__private::Write::new(&__SITE)
        .value(
            __stored,
            ::cached_runtime::__private::describe!(
                ::cached_runtime::__private::stored(__stored)
            ),
        )
        .ttl(__stored, |user| user.ttl)
        .unless(__stored, |user| user.draft);
    let __key = ::cached_runtime::__private::key_of_value(
        __stored,
        &UserKey { id: user.id },
    );
    let __write = __write.key(__key);
    let mut __write = ::cached_runtime::__private::writing(
        ::cached_runtime::__private::begin(__write).await,
        ::cached_runtime::__private::shape!(Result < (), Error >),
    );
    let __out = __write
        .run(async move {
            if let ::cached_runtime::__private::Some(__out) = ::cached_runtime::__private::None::<
                Result<(), Error>,
            > {
                return __out;
            }
            { body(user).await }
        })
        .await;
    let __value = match __write.settle(__out) {
        ::cached_runtime::__private::Ok(__value) => __value,
        ::cached_runtime::__private::Err(__out) => return __out,
    };
    __write.finish().await;
    __write.give(__value)
}

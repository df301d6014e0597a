#[automatically_derived]
impl ::cached_runtime::__private::ToKey for AllUsers {
    fn to_key(&self) -> ::cached_runtime::__private::Key {
        let __key = ::cached_runtime::__private::KeyWriter::new("users");
        __key.finish()
    }
}
#[automatically_derived]
impl ::cached_runtime::__private::KeyOf<Vec<User>> for AllUsers {}
#[automatically_derived]
impl ::cached_runtime::__private::CacheKey for AllUsers {
    const TEMPLATE: &'static str = "users";
    type Value = Vec<User>;
    fn describe() -> ::cached_runtime::__private::Option<
        ::cached_runtime::__private::Describe,
    > {
        ::cached_runtime::__private::describe!(
            ::cached_runtime::__private::Returned:: < Vec < User > > ::new()
        )
    }
}

#[automatically_derived]
impl ::cached_runtime::__private::ToKey for UserKey {
    fn to_key(&self) -> ::cached_runtime::__private::Key {
        let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
        ::cached_runtime::__private::part(&mut __key, &self.id, "");
        __key.finish()
    }
}
#[automatically_derived]
impl ::cached_runtime::__private::KeyOf<User> for UserKey {}
#[automatically_derived]
impl ::cached_runtime::__private::CacheKey for UserKey {
    const TEMPLATE: &'static str = "user:<id>";
    type Value = User;
    fn describe() -> ::cached_runtime::__private::Option<
        ::cached_runtime::__private::Describe,
    > {
        ::cached_runtime::__private::describe!(
            ::cached_runtime::__private::Returned:: < User > ::new()
        )
    }
}

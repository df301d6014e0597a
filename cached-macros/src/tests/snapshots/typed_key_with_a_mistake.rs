#[automatically_derived]
impl<const N: usize> ::cached_runtime::__private::ToKey for UserKey<N> {
    fn to_key(&self) -> ::cached_runtime::__private::Key {
        let __key = ::cached_runtime::__private::KeyWriter::new("");
        __key.finish()
    }
}
impl<const N: usize, __V> ::cached_runtime::__private::KeyOf<__V> for UserKey<N> {}
#[automatically_derived]
impl<const N: usize> ::cached_runtime::__private::CacheKey for UserKey<N> {
    const TEMPLATE: &'static str = "";
    type Value = ();
    fn describe() -> ::cached_runtime::__private::Option<
        ::cached_runtime::__private::Describe,
    > {
        ::cached_runtime::__private::describe!(
            ::cached_runtime::__private::Returned:: < () > ::new()
        )
    }
}
::core::compile_error! {
    "a typed key has a template and the type of its value; write `#[cache_key(\"user:<id>\", value = User)]` here"
}

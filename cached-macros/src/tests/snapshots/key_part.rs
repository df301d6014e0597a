#[automatically_derived]
impl ::cached_runtime::__private::KeyPart for UserId {
    fn write(&self, __key: &mut ::cached_runtime::__private::KeyWriter) {
        ::cached_runtime::__private::KeyPart::write(&self.0, __key)
    }
}

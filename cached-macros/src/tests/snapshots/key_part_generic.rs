#[automatically_derived]
impl<'a, T: ?Sized> crate::rt::__private::KeyPart for Id<'a, T>
where
    T: Clone,
    &'a T: crate::rt::__private::KeyPart,
{
    fn write(&self, __key: &mut crate::rt::__private::KeyWriter) {
        crate::rt::__private::KeyPart::write(&self.value, __key)
    }
}

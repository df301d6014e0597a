#[automatically_derived]
impl<'a, T: Kind, const N: usize> crate::rt::__private::ToKey for Found<'a, T, N>
where
    T: Clone,
    &'a [T; N]: crate::rt::__private::KeyPart,
{
    fn to_key(&self) -> crate::rt::__private::Key {
        let mut __key = crate::rt::__private::KeyWriter::new("");
        crate::rt::__private::part(&mut __key, &self.kind.name(), ":");
        crate::rt::__private::part(&mut __key, &self.r#type, ":");
        crate::rt::__private::hashed(&mut __key, &self.filter, "");
        __key.finish()
    }
}
#[automatically_derived]
impl<'a, T: Kind, const N: usize> crate::rt::__private::KeyOf<Vec<T>> for Found<'a, T, N>
where
    T: Clone,
    &'a [T; N]: crate::rt::__private::KeyPart,
{}
#[automatically_derived]
impl<'a, T: Kind, const N: usize> crate::rt::__private::CacheKey for Found<'a, T, N>
where
    T: Clone,
    &'a [T; N]: crate::rt::__private::KeyPart,
{
    const TEMPLATE: &'static str = "<kind.name()>:<r#type>:<filter|hash>";
    type Value = Vec<T>;
    fn describe() -> crate::rt::__private::Option<crate::rt::__private::Describe> {
        crate::rt::__private::describe!(
            crate ::rt::__private::Returned:: < Vec < T > > ::new()
        )
    }
}

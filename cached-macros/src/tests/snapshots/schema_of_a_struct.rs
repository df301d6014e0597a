#[automatically_derived]
impl<T: Row, I> ::cached_runtime::__private::CacheSchema for Page<T, I>
where
    I: Ids,
    T: ::cached_runtime::__private::CacheSchema,
    I::Id: ::cached_runtime::__private::CacheSchema,
{
    fn describe(__schema: &mut ::cached_runtime::__private::SchemaWriter) {
        if __schema.begin::<Self>() {
            __schema.word("struct deny_unknown_fields, rename_all = \"camelCase\"");
            __schema.word("fields 6");
            __schema.word("items ");
            <Vec<T> as ::cached_runtime::__private::CacheSchema>::describe(__schema);
            __schema.word("next default");
            <Option<
                Box<Self>,
            > as ::cached_runtime::__private::CacheSchema>::describe(__schema);
            __schema.word("bytes with = \"hex\"");
            __schema.word("Vec < u8 >");
            __schema.word("price ");
            __schema.word("Decimal");
            __schema.word("id ");
            <I::Id as ::cached_runtime::__private::CacheSchema>::describe(__schema);
            __schema.word("of ");
            <PhantomData<
                I,
            > as ::cached_runtime::__private::CacheSchema>::describe(__schema);
        }
    }
}

#[automatically_derived]
impl ::rt::__private::CacheSchema for Event {
    fn describe(__schema: &mut ::rt::__private::SchemaWriter) {
        if __schema.begin::<Self>() {
            __schema.word("enum 4 tag = \"kind\"");
            __schema.word("Created ");
            __schema.word("places 1");
            __schema.word(" rename = \"Id\"");
            <u64 as ::rt::__private::CacheSchema>::describe(__schema);
            __schema.word("Deleted alias = \"Gone\"");
            __schema.word("fields 1");
            __schema.word("id ");
            <u64 as ::rt::__private::CacheSchema>::describe(__schema);
            __schema.word("Local skip");
            __schema.word("Unknown other");
            __schema.word("unit 0");
        }
    }
}

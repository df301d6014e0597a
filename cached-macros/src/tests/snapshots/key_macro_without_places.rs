const _: () = {
    let __key = ::cached_runtime::__private::KeyWriter::new("users");
    __key.finish()
};

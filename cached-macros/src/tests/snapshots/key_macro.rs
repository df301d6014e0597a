const _: () = {
    let mut __key = ::cached_runtime::__private::KeyWriter::new("user:");
    ::cached_runtime::__private::part(&mut __key, &user.id, ":");
    ::cached_runtime::__private::hashed(&mut __key, &filter, "");
    __key.finish()
};

const _: () = {
    let mut __key = ::cached_runtime::the_crate::__private::KeyWriter::new("user:");
    ::cached_runtime::the_crate::__private::part(&mut __key, &user.id, ":");
    ::cached_runtime::the_crate::__private::hashed(&mut __key, &filter, "");
    __key.finish()
};

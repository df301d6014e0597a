//! The cache called by hand: `cache.invalidate(&key!("user:<id>"))`.

use std::rc::Rc;

use syn::spanned::Spanned;
use syn::{Expr, ExprMethodCall, GenericArgument, Local, Pat, Stmt};

use super::Scan;
use crate::function::{self, Does, Key, Place, Raw};
use crate::options::Options;

impl Scan<'_> {
    /// `let key = key!("user:<id>");`
    pub(super) fn binding(&mut self, local: &Local) {
        let (Pat::Ident(name), Some(init)) = (&local.pat, &local.init) else { return };
        let line = init.expr.span().start().line;
        if let Some(key) = function::key(&init.expr, line) {
            self.bindings.insert(name.ident.to_string(), key);
        }
    }

    /// A call that has a key among its arguments. What cannot be seen to be one is nothing to us: other types have
    /// methods of these names too.
    pub(super) fn call(&mut self, call: &ExprMethodCall) {
        let (does, tag) = match call.method.to_string().as_str() {
            "invalidate" => (Does::CallInvalidate, false),
            "invalidate_tag" => (Does::CallInvalidate, true),
            "get_or_load" => (Does::GetOrLoad, false),
            "put" => (Does::Put, false),
            "get" => (Does::Get, false),
            _ => return,
        };
        let Some(key) = call.args.first().and_then(|argument| self.key(argument)) else { return };
        let line = call.method.span().start().line;
        let place = Place { file: Rc::clone(&self.site.file), line };
        let name = self.path.join("::");
        let mut function = self.blank(does, name, place, self.allows.between(line, line));
        if tag {
            function.tags.push(key);
        } else {
            function.keys.push(key);
        }
        let answer = call.turbofish.as_ref().filter(|_| does == Does::Get).and_then(|turbofish| {
            turbofish.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty.clone()),
                _ => None,
            })
        });
        self.found.functions.push(Raw {
            function,
            attribute: Options::default(),
            arguments: self.arguments.clone(),
            answer,
            generics: Vec::new(),
        });
    }

    fn key(&self, expr: &Expr) -> Option<Key> {
        match expr {
            Expr::Reference(inner) => return self.key(&inner.expr),
            Expr::Path(path) => {
                if let Some(bound) = path.path.get_ident().and_then(|name| self.bindings.get(&name.to_string())) {
                    return Some(bound.clone());
                }
            }
            Expr::Block(block) => {
                if let Some(Stmt::Expr(last, None)) = block.block.stmts.last() {
                    return self.key(last);
                }
            }
            _ => {}
        }
        function::key(expr, expr.span().start().line)
    }
}

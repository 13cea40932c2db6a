//! The catalogue's words in DataFusion's own help.

use datafusion_expr::{DocSection, Documentation, DocumentationBuilder};
use precise_core::catalog::Function;

pub(crate) fn documentation(function: &Function) -> Documentation {
    let section = DocSection {
        include: true,
        label: "Precise Functions",
        description: Some("Proofs of data: minted, batched, verified."),
    };
    let mut names = String::new();
    for (i, arg) in function.args.iter().enumerate() {
        if i == function.required {
            names.push_str(if i == 0 { "[" } else { " [" });
        }
        if i > 0 {
            names.push_str(", ");
        }
        names.push_str(arg.name);
    }
    if function.required < function.args.len() {
        names.push(']');
    }
    let syntax = format!("{}({names})", function.name);
    let mut builder = DocumentationBuilder::new_with_details(section, function.doc, syntax);
    for arg in function.args {
        builder = builder.with_argument(arg.name, arg.doc);
    }
    builder.build()
}

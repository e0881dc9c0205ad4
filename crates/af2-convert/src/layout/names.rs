//! Canonical tensor names: those of the release, whatever a training wrapper or another checkpoint calls them.

/// Where a tensor was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The CLAP checkpoint the encoder was trained from.
    Clap,
    /// The base language model.
    LanguageModel,
    /// The release itself, which overrides the others.
    Release,
}

/// A tensor's name in the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical {
    /// Canonical name.
    pub name: String,
    /// Whether it came under a second name, which counts only where the first is absent.
    pub alias: bool,
}

/// Path components that wrappers of the training code insert.
const WRAPPERS: [&str; 3] = ["_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_orig_mod"];

impl Origin {
    /// The checkpoint, besides the release, that could hold the canonical tensor `name`.
    pub fn of(name: &str) -> Origin {
        if name.starts_with("clap.nvclap.") {
            Origin::Clap
        } else if name.contains(".decoder_layer.")
            || name.starts_with("lang_encoder.model.norm.")
            || name.starts_with("lang_encoder.model.embed_tokens.")
            || name.starts_with("lang_encoder.lm_head.")
        {
            Origin::LanguageModel
        } else {
            Origin::Release
        }
    }
}

/// The canonical name of tensor `name` of a checkpoint; `None` if the model has no such tensor.
pub fn canonical(origin: Origin, name: &str) -> Option<Canonical> {
    let name = unwrapped(name);
    match origin {
        Origin::Release => Some(release_name(&name)),
        Origin::LanguageModel => language_model_name(&name).map(|name| Canonical { name, alias: false }),
        Origin::Clap => {
            let rest = name.strip_prefix("audio_branch.")?;
            Some(Canonical { name: format!("clap.nvclap.{rest}"), alias: false })
        }
    }
}

/// `name` without wrapper components and leading `module.`.
fn unwrapped(name: &str) -> String {
    let parts = name.split('.').filter(|part| !WRAPPERS.contains(part)).skip_while(|&part| part == "module");
    parts.collect::<Vec<_>>().join(".")
}

/// Whole-state saves hold decoder layers and cross-attention blocks twice, the second time in plain lists.
fn release_name(name: &str) -> Canonical {
    let aliases = [
        ("lang_encoder.old_decoder_blocks.", "decoder_layer"),
        ("lang_encoder.gated_cross_attn_layers_sound.", "gated_cross_attn_layer_sound"),
    ];
    for (prefix, block) in aliases {
        if let Some((layer, rest)) = name.strip_prefix(prefix).and_then(|rest| rest.split_once('.')) {
            return Canonical { name: format!("lang_encoder.model.layers.{layer}.{block}.{rest}"), alias: true };
        }
    }
    match name.strip_prefix("clap.afclap.") {
        Some(rest) => Canonical { name: format!("clap.nvclap.{rest}"), alias: false },
        None => Canonical { name: name.to_owned(), alias: false },
    }
}

/// `model.layers.3.mlp.x` is `lang_encoder.model.layers.3.decoder_layer.mlp.x` here.
fn language_model_name(name: &str) -> Option<String> {
    if let Some((layer, rest)) = name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.')) {
        return Some(format!("lang_encoder.model.layers.{layer}.decoder_layer.{rest}"));
    }
    (name.starts_with("model.") || name.starts_with("lm_head.")).then(|| format!("lang_encoder.{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_and_other_names_are_undone() {
        let cases = [
            (Origin::Release, "module.clap.afclap.bn0.weight", "clap.nvclap.bn0.weight"),
            (
                Origin::Release,
                "module.lang_encoder.model.layers.0._fsdp_wrapped_module._checkpoint_wrapped_module.decoder_layer.mlp.up_proj.weight",
                "lang_encoder.model.layers.0.decoder_layer.mlp.up_proj.weight",
            ),
            (
                Origin::LanguageModel,
                "model.layers.12.self_attn.q_proj.bias",
                "lang_encoder.model.layers.12.decoder_layer.self_attn.q_proj.bias",
            ),
            (Origin::LanguageModel, "model.norm.weight", "lang_encoder.model.norm.weight"),
            (Origin::LanguageModel, "lm_head.weight", "lang_encoder.lm_head.weight"),
            (Origin::Clap, "module.audio_branch.norm.bias", "clap.nvclap.norm.bias"),
        ];
        for (origin, name, expected) in cases {
            assert_eq!(canonical(origin, name).unwrap(), Canonical { name: expected.into(), alias: false });
        }
        assert_eq!(canonical(Origin::Clap, "module.text_branch.embed.weight"), None);
    }

    #[test]
    fn aliases_are_told_apart() {
        let alias = canonical(Origin::Release, "lang_encoder.old_decoder_blocks.2.input_layernorm.weight").unwrap();
        assert!(alias.alias);
        assert_eq!(alias.name, "lang_encoder.model.layers.2.decoder_layer.input_layernorm.weight");
    }
}

package dev.culebra.options;

/** How a text refers to options. */
public interface Naming {
  /** As components of records: {@code kvHeads}, {@code kvHeads 2}. */
  Naming COMPONENTS = Option::name;

  /** As fields of a JSON file: {@code kv_heads}, {@code kv_heads 2}. */
  Naming FIELDS = option -> option.name('_');

  String name(Option<?, ?> option);

  default String setting(Setting<?> setting) {
    return name(setting.option()) + " " + setting.text();
  }
}

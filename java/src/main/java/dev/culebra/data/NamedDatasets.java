package dev.culebra.data;

import java.util.List;
import java.util.Optional;

/**
 * Datasets of a program's own that are known by name, such as problems made on the fly. {@link
 * Corpora#with} makes their names ones that {@code --data} and {@code config.json} can say. Their
 * tokenizers are Culebra's: a run directory is opened with the tokenizer that its file holds.
 * Thread-safe.
 */
public interface NamedDatasets {
  /** Typical names, for messages. */
  List<String> names();

  /**
   * The dataset called {@code name}, if there is one. Its own {@link Dataset#name()} must find it,
   * too: that is what {@code config.json} keeps.
   *
   * @throws DataException if the name is one of these and says something impossible; one line
   */
  Optional<Dataset> find(String name);
}

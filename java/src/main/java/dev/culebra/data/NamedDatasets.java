package dev.culebra.data;

import java.util.List;
import java.util.Optional;

/**
 * User-defined datasets with names, such as generated problems. With {@link Corpora#with}, {@code
 * --data} and {@code config.json} accept their names. Their tokenizers must be Culebra's, since a
 * run directory is opened with the tokenizer in its file. Thread-safe.
 */
public interface NamedDatasets {
  /** Typical names, for messages. */
  List<String> names();

  /**
   * The dataset named {@code name}, if there is one. Its own {@link Dataset#name()} must also find
   * it, since {@code config.json} stores that name.
   *
   * @throws DataException with one line, if the name is one of these but has an invalid parameter
   */
  Optional<Dataset> find(String name);
}

package dev.culebra.data;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/**
 * The built-in corpora. The two books are in the jar {@code org.apache.crunch:crunch-test}, on the
 * command line's class path; Tiny Shakespeare is downloaded once.
 */
public enum NamedCorpus {
  DICKENS(
      "Charles Dickens, The Old Curiosity Shop (1841): a whole novel",
      "public domain",
      new Origin.Resource("/dickens.txt")),
  MACBETH(
      "William Shakespeare, Macbeth, in the spelling of the First Folio (1623): small, for trying"
          + " things out",
      "public domain",
      new Origin.Resource("/shakes.txt")),
  SHAKESPEARE(
      "Tiny Shakespeare: scenes from many plays, the usual text for character models",
      "public domain (collected by Andrej Karpathy)",
      new Origin.Web(
          new Download(
              URI.create(
                  "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"),
              1_115_394,
              "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
          "tinyshakespeare.txt"));

  /** The source of a corpus. */
  private sealed interface Origin {
    /** The jar with the books. */
    record Resource(String path) implements Origin {}

    /** A download, stored as {@code fileName} in the cache directory. */
    record Web(Download download, String fileName) implements Origin {}
  }

  private static final String JAR = "org.apache.crunch:crunch-test:0.15.0";

  private final String description;
  private final String licence;
  private final Origin origin;

  NamedCorpus(String description, String licence, Origin origin) {
    this.description = description;
    this.licence = licence;
    this.origin = origin;
  }

  /** The corpus named {@code label}, if there is one. */
  public static Optional<NamedCorpus> find(String label) {
    for (NamedCorpus corpus : values()) {
      if (corpus.label().equals(label)) {
        return Optional.of(corpus);
      }
    }
    return Optional.empty();
  }

  /** The name on the command line: {@code dickens}. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Author, title and typical use. */
  public String description() {
    return description;
  }

  /** The licence. */
  public String licence() {
    return licence;
  }

  /** A description of the text's source. */
  public String source() {
    return switch (origin) {
      case Origin.Resource resource -> resource.path().substring(1) + " in " + JAR;
      case Origin.Web web -> web.download().uri().toString();
    };
  }

  /**
   * The text. A download is stored in {@code cache} and reused.
   *
   * @throws DataException with one line that says what to do, if it is not on the class path or
   *     cannot be downloaded
   * @throws IOException if the cache directory cannot be written
   */
  public TextSource text(Path cache) throws IOException {
    return switch (origin) {
      case Origin.Resource resource -> onClassPath(resource);
      case Origin.Web web -> downloaded(web, cache);
    };
  }

  private TextSource onClassPath(Origin.Resource resource) {
    if (NamedCorpus.class.getResource(resource.path()) == null) {
      throw new DataException(
          "corpus %s is not on the class path: add %s, which holds %s"
              .formatted(label(), JAR, resource.path()));
    }
    return new TextSource() {
      @Override
      public String name() {
        return label();
      }

      @Override
      public void read(Sink sink) throws IOException {
        try (InputStream in = NamedCorpus.class.getResourceAsStream(resource.path())) {
          Utf8Reader.read(in, label(), sink);
        }
      }
    };
  }

  private TextSource downloaded(Origin.Web web, Path cache) throws IOException {
    Path file = cache.resolve(web.fileName());
    try {
      web.download().fetch(file);
    } catch (Download.FailedException e) {
      throw new DataException(
          "cannot download corpus %s (%s): take %s instead, or save %s as %s"
              .formatted(label(), e.getMessage(), DICKENS.label(), web.download().uri(), file),
          e);
    }
    TextSource text = TextFiles.of(file);
    return new TextSource() {
      @Override
      public String name() {
        return label();
      }

      @Override
      public void read(Sink sink) throws IOException {
        text.read(sink);
      }
    };
  }
}

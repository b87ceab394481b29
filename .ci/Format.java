import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions.Style;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** Checks ({@code check}) or formats ({@code write}) every Java source with google-java-format. */
final class Format {
  private static final List<String> ROOTS =
      List.of(".ci", "java/src", "examples/src", "bench/src", "native-build");

  public static void main(String[] args) throws Exception {
    boolean write = args.length == 1 && args[0].equals("write");
    int unformatted = 0;
    for (Path file : sources()) {
      String source = Files.readString(file);
      String formatted = format(source);
      if (source.equals(formatted)) {
        continue;
      }
      unformatted++;
      if (write) {
        Files.writeString(file, formatted);
      }
      System.err.println((write ? "formatted " : "not formatted: ") + file);
    }
    if (unformatted > 0 && !write) {
      System.err.println("To format: mvn -N validate -Dformat=write");
      System.exit(1);
    }
  }

  private static String format(String source) throws Exception {
    String cleaned = RemoveUnusedImports.removeUnusedImports(source);
    return new Formatter().formatSource(ImportOrderer.reorderImports(cleaned, Style.GOOGLE));
  }

  private static List<Path> sources() throws IOException {
    return ROOTS.stream()
        .map(Path::of)
        .filter(Files::isDirectory)
        .flatMap(Format::javaFiles)
        .toList();
  }

  private static Stream<Path> javaFiles(Path root) {
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(f -> f.toString().endsWith(".java")).sorted().toList().stream();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}

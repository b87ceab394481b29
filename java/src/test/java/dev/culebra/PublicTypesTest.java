package dev.culebra;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The types that programs may use are listed in {@code public-types.txt}, so that a review sees
 * types that are added, removed or opened. Each {@code package-info} says whether its package is
 * public.
 */
class PublicTypesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("dev.culebra");
  private static final String PUBLIC = "<p>Public interface";
  private static final String INTERNAL = "<p>Internal";
  private static final Path SOURCES = Path.of("src/main/java");
  private static final Path LIST = Path.of("src/test/resources/public-types.txt");
  private static final Path FOUND = Path.of("target/public-types.txt");

  @Test
  void everyPackageSaysWhetherItIsPublic() throws IOException {
    for (Path source : packageInfos()) {
      String text = Files.readString(source);
      assertThat(Stream.of(PUBLIC, INTERNAL).filter(text::contains))
          .as("%s says one of \"%s\" and \"%s\"", source, PUBLIC, INTERNAL)
          .hasSize(1);
    }
    Set<String> documented =
        packageInfos().stream().map(PublicTypesTest::packageOf).collect(Collectors.toSet());
    assertThat(documented).containsAll(publicTypes().map(JavaClass::getPackageName).toList());
  }

  @Test
  void theListMatchesTheCode() throws IOException {
    Set<String> internal =
        packageInfos().stream()
            .filter(source -> read(source).contains(INTERNAL))
            .map(PublicTypesTest::packageOf)
            .collect(Collectors.toSet());
    List<String> found =
        publicTypes()
            .filter(type -> !internal.contains(type.getPackageName()))
            .map(type -> type.getName().replace('$', '.') + "  " + kind(type))
            .sorted()
            .toList();
    Files.write(FOUND, found);

    assertThat(found)
        .as(
            "public types; if the change is intended: cp java/%s java/%s, and commit it",
            FOUND, LIST)
        .isEqualTo(Files.readAllLines(LIST));
  }

  private static List<Path> packageInfos() throws IOException {
    try (Stream<Path> files = Files.walk(SOURCES)) {
      return files.filter(file -> file.endsWith("package-info.java")).toList();
    }
  }

  private static String packageOf(Path packageInfo) {
    return SOURCES.relativize(packageInfo.getParent()).toString().replace('/', '.');
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Stream<JavaClass> publicTypes() {
    return CLASSES.stream().filter(PublicTypesTest::isPublic);
  }

  /** A type is public only if all enclosing types are. */
  private static boolean isPublic(JavaClass type) {
    Optional<JavaClass> outer = type.getEnclosingClass();
    return type.getModifiers().contains(JavaModifier.PUBLIC)
        && !type.isAnonymousClass()
        && (outer.isEmpty() || isPublic(outer.get()));
  }

  /** The entry says whether the type can be extended. */
  private static String kind(JavaClass type) {
    if (type.isRecord()) {
      return "record";
    }
    if (type.isEnum()) {
      return "enum";
    }
    if (type.isInterface()) {
      return type.reflect().isSealed() ? "sealed interface" : "interface";
    }
    Set<JavaModifier> modifiers = type.getModifiers();
    String open = type.reflect().isSealed() ? "sealed " : "";
    return modifiers.contains(JavaModifier.FINAL)
        ? "final class"
        : open + (modifiers.contains(JavaModifier.ABSTRACT) ? "abstract class" : "class");
  }
}

package dev.culebra.cuda;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds the libraries that NVIDIA's wheels install in a Python installation, which is not on the
 * loader's path. Starts no process.
 */
final class PythonWheels {
  private static final String CONFIGURATION = "pyvenv.cfg";

  private PythonWheels() {}

  /**
   * The existing library folders on this machine: those of the Pythons on {@code PATH}, then of
   * virtual environments, of the system and of other usual places.
   */
  static List<Path> folders() {
    List<Path> roots = new ArrayList<>(onPath(System.getenv("PATH")));
    Stream.of(System.getenv("VIRTUAL_ENV"), System.getenv("CONDA_PREFIX"), "/usr", "/usr/local")
        .filter(root -> root != null && !root.isBlank())
        .map(Path::of)
        .forEach(roots::add);
    Path home = Path.of(System.getProperty("user.home"));
    roots.add(home.resolve(".local"));
    roots.add(home.resolve(".venv"));
    roots.addAll(matches(home.resolve(".pyenv/versions"), "*"));
    for (Path tree : matches(Path.of("/opt"), "*")) {
      roots.add(tree);
      roots.addAll(matches(tree, "*")); // hidden ones too: /opt/torch/.venv
    }
    return in(roots);
  }

  /** The folders of wheels' libraries below these roots, each once. */
  static List<Path> in(List<Path> roots) {
    Set<Path> folders = new LinkedHashSet<>();
    for (Path root : roots) {
      for (Path python : matches(root.resolve("lib"), "python3*")) {
        for (String packages : new String[] {"site-packages", "dist-packages"}) {
          matches(python.resolve(packages).resolve("nvidia"), "{cu13,cublas}").stream()
              .map(wheel -> wheel.resolve("lib"))
              .filter(Files::isDirectory)
              .forEach(folders::add);
        }
      }
    }
    return List.copyOf(folders);
  }

  /**
   * The roots of installations whose {@code bin/python3} is on a search path: its folder there, the
   * targets of its links, and the base of a virtual environment.
   *
   * @param path as in the variable {@code PATH}; may be null
   */
  static List<Path> onPath(String path) {
    Set<Path> roots = new LinkedHashSet<>();
    for (String folder : path == null ? new String[0] : path.split(":")) {
      try {
        Path python = Path.of(folder).resolve("python3");
        if (!folder.isBlank() && Files.isExecutable(python)) {
          addRoots(roots, python);
        }
      } catch (IOException | InvalidPathException e) {
        // try the next one
      }
    }
    return List.copyOf(roots);
  }

  private static void addRoots(Set<Path> roots, Path python) throws IOException {
    Path called = python.toAbsolutePath().normalize();
    Path root = called.getParent().getParent();
    if (root != null) {
      roots.add(root);
      addOrigin(roots, root.resolve(CONFIGURATION));
    }
    if (Files.isSymbolicLink(called)) {
      addRoots(roots, called.resolveSibling(Files.readSymbolicLink(called)));
    }
  }

  /** {@code home = FOLDER}: the folder of the Python that a virtual environment is based on. */
  private static void addOrigin(Set<Path> roots, Path configuration) throws IOException {
    if (Files.isReadable(configuration)) {
      for (String line : Files.readAllLines(configuration)) {
        String[] parts = line.split("=", 2);
        if (parts.length == 2 && parts[0].strip().equals("home")) {
          Path root = Path.of(parts[1].strip()).getParent();
          if (root != null) {
            roots.add(root);
          }
        }
      }
    }
  }

  /** The entries of a folder that match a glob, sorted; empty if the folder does not exist. */
  static List<Path> matches(Path folder, String glob) {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, glob)) {
      entries.forEach(found::add);
    } catch (IOException | DirectoryIteratorException e) {
      return List.of();
    }
    return found.stream().sorted().toList();
  }
}

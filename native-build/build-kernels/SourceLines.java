import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Which lines of source the instructions of a module were compiled from, as addr2line says. */
final class SourceLines {
  /**
   * A line, e.g. {@code layernorm.cu:60}.
   *
   * @param line in the kernel's own source
   * @param helper the line in a header that it has there; empty if it is in the kernel's source
   */
  record Place(String line, String helper) {
    String text() {
      return helper.isEmpty() ? line : line + " (" + helper + ")";
    }
  }

  private static final Place UNKNOWN = new Place("?", "");
  private static final int AT_ONCE = 2000;

  private final Map<Path, Map<Long, Place>> known = new HashMap<>();

  /**
   * @param wanted where in each module's library the instructions stand
   */
  SourceLines(Map<Path, Set<Long>> wanted) throws IOException {
    for (Map.Entry<Path, Set<Long>> each : wanted.entrySet()) {
      List<Long> offsets = List.copyOf(each.getValue());
      Map<Long, Place> places = new HashMap<>();
      for (int from = 0; from < offsets.size(); from += AT_ONCE) {
        int to = Math.min(offsets.size(), from + AT_ONCE);
        ask(each.getKey(), offsets.subList(from, to), places);
      }
      known.put(each.getKey(), places);
    }
  }

  Place of(Path module, long offset) {
    return known.get(module).getOrDefault(offset, UNKNOWN);
  }

  /** For each address: itself, then the file and line it has in each function around it. */
  private static void ask(Path module, List<Long> offsets, Map<Long, Place> places)
      throws IOException {
    List<String> command = new ArrayList<>(List.of("addr2line", "-a", "-i", "-s", "-e"));
    command.add(module.toString());
    offsets.forEach(offset -> command.add("0x" + Long.toHexString(offset)));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String said = new String(process.getInputStream().readAllBytes());
    long offset = 0;
    List<String> lines = new ArrayList<>();
    for (String line : said.lines().toList()) {
      if (line.startsWith("0x")) {
        places.put(offset, place(lines));
        offset = Long.parseUnsignedLong(line.substring(2), 16);
        lines.clear();
      } else {
        int space = line.indexOf(' ');
        lines.add(space < 0 ? line : line.substring(0, space)); // without "(discriminator 4)"
      }
    }
    places.put(offset, place(lines));
  }

  /** The innermost line in a .cu, and the innermost in a header of the kernels. */
  private static Place place(List<String> lines) {
    String helper = "";
    for (String line : lines) {
      if (line.contains(".cu:")) {
        return new Place(line, helper);
      }
      if (helper.isEmpty() && line.contains(".cuh:")) {
        helper = line;
      }
    }
    return UNKNOWN;
  }
}

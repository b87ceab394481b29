import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The output of {@code ptxas -v} for a module on each GPU, with our own lines for the code size:
 * {@code code ENTRY GPU BYTES}.
 */
final class AssemblerLog {
  private static final Pattern COMPILING =
      Pattern.compile("Compiling entry function '(\\w+)' for '(\\w+)'");
  private static final Pattern STACK =
      Pattern.compile(
          "(\\d+) bytes stack frame, (\\d+) bytes spill stores, (\\d+) bytes spill loads");
  private static final Pattern USED = Pattern.compile("Used (\\d+) registers");
  private static final Pattern SHARED = Pattern.compile("(\\d+) bytes smem");
  private static final Pattern BARRIERS = Pattern.compile("used (\\d+) barriers");
  private static final Pattern CODE = Pattern.compile("(?m)^code (\\w+) (\\w+) (\\d+)$");

  private AssemblerLog() {}

  /** The line for an entry's code size. */
  static String code(String entry, String gpu, long bytes) {
    return "code %s %s %d\n".formatted(entry, gpu, bytes);
  }

  /** The resources that each entry uses, in the order of {@link Gpu#ALL}. */
  static Map<String, List<KernelProfile.Use>> uses(String said) {
    Map<String, Long> sizes = new TreeMap<>();
    CODE.matcher(said)
        .results()
        .forEach(it -> sizes.put(it.group(1) + " " + it.group(2), Long.valueOf(it.group(3))));
    Map<String, List<KernelProfile.Use>> uses = new TreeMap<>();
    String entry = null;
    String gpu = null;
    int stack = 0;
    int spilled = 0;
    for (String line : said.lines().toList()) {
      Matcher compiling = COMPILING.matcher(line);
      if (compiling.find()) {
        entry = compiling.group(1);
        gpu = compiling.group(2);
      }
      Matcher frame = STACK.matcher(line);
      if (frame.find()) {
        stack = number(frame, 1);
        spilled = number(frame, 2) + number(frame, 3);
      }
      int registers = first(USED, line);
      if (registers > 0 && entry != null) {
        uses.computeIfAbsent(entry, name -> new ArrayList<>())
            .add(
                new KernelProfile.Use(
                    Gpu.named(gpu),
                    registers,
                    first(SHARED, line),
                    first(BARRIERS, line),
                    stack,
                    spilled,
                    sizes.getOrDefault(entry + " " + gpu, 0L)));
        entry = null;
      }
    }
    uses.values()
        .forEach(each -> each.sort(Comparator.comparing(use -> Gpu.ALL.indexOf(use.gpu()))));
    return uses;
  }

  private static int first(Pattern pattern, String line) {
    Matcher matcher = pattern.matcher(line);
    return matcher.find() ? number(matcher, 1) : 0;
  }

  private static int number(Matcher matcher, int group) {
    return Integer.parseInt(matcher.group(group));
  }
}

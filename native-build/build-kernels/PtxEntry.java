import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A kernel in a PTX module.
 *
 * @param name of the entry
 * @param threads of its largest block ({@code __launch_bounds__}); 0 if it does not say
 * @param dynamicShared whether it uses shared memory whose size the launch gives
 * @param instructions in order
 * @param successors for each instruction: the indices of those that may come next
 * @param labels of labelled instructions, by index
 */
record PtxEntry(
    String name,
    int threads,
    boolean dynamicShared,
    List<PtxInstruction> instructions,
    List<List<Integer>> successors,
    Map<Integer, String> labels) {
  private static final Pattern ENTRY = Pattern.compile("\\.entry\\s+([\\w$]+)\\s*(?:\\([^)]*\\))?");
  private static final Pattern THREADS =
      Pattern.compile("\\.(?:maxntid|reqntid)\\s+(\\d+)(?:\\s*,\\s*(\\d+))?(?:\\s*,\\s*(\\d+))?");
  private static final Pattern DYNAMIC =
      Pattern.compile("\\.extern\\s+\\.shared\\b[^;]*?([\\w$]+)\\s*\\[\\s*\\]\\s*;");
  private static final Pattern COMMENT = Pattern.compile("//[^\n]*");
  private static final Pattern LABEL = Pattern.compile("([A-Za-z_$%][\\w$]*)\\s*:(?!:)");

  /** The entries of a module, in order. */
  static List<PtxEntry> of(String module) {
    String text = COMMENT.matcher(module).replaceAll("");
    List<String> dynamic = DYNAMIC.matcher(text).results().map(found -> found.group(1)).toList();
    List<PtxEntry> entries = new ArrayList<>();
    Matcher entry = ENTRY.matcher(text);
    while (entry.find()) {
      int open = text.indexOf('{', entry.end());
      int semicolon = text.indexOf(';', entry.end());
      if (open < 0 || semicolon >= 0 && semicolon < open) {
        continue; // declared here, defined elsewhere
      }
      Matcher threads = THREADS.matcher(text.substring(entry.end(), open));
      int count = threads.find() ? size(threads, 1) * size(threads, 2) * size(threads, 3) : 0;
      entries.add(new Body(text, open).entry(entry.group(1), count, dynamic));
    }
    return entries;
  }

  private static int size(Matcher threads, int group) {
    return threads.group(group) == null ? 1 : Integer.parseInt(threads.group(group));
  }

  /** Reads the body of an entry. */
  private static final class Body {
    private final String text;
    private int at;

    private final List<PtxInstruction> instructions = new ArrayList<>();

    /** For each instruction, its enclosing scopes, innermost last. */
    private final List<List<Integer>> scopes = new ArrayList<>();

    /** Labels are visible in their scope: index of the instruction for "scope label". */
    private final Map<String, Integer> places = new HashMap<>();

    /** Lists of labels that {@code brx.idx} chooses from, by the same key. */
    private final Map<String, List<String>> lists = new HashMap<>();

    private final Map<Integer, String> labels = new HashMap<>();

    Body(String text, int open) {
      this.text = text;
      this.at = open;
    }

    PtxEntry entry(String name, int threads, List<String> dynamic) {
      int open = at;
      read();
      String body = text.substring(open, at);
      return new PtxEntry(
          name,
          threads,
          dynamic.stream().anyMatch(body::contains),
          instructions,
          successors(),
          labels);
    }

    private void read() {
      List<Integer> scope = List.of();
      Matcher label = LABEL.matcher(text);
      String last = null;
      int scopeCount = 0;
      do {
        char c = text.charAt(at);
        if (Character.isWhitespace(c) || c == ';') {
          at++;
        } else if (c == '{') {
          scope = new ArrayList<>(scope);
          scope.add(scopeCount++);
          at++;
        } else if (c == '}') {
          scope = scope.subList(0, scope.size() - 1);
          at++;
        } else if (label.region(at, text.length()).lookingAt()) {
          last = scope.getLast() + " " + label.group(1);
          places.put(last, instructions.size());
          labels.put(instructions.size(), label.group(1));
          at = label.end();
        } else {
          int end = text.indexOf(';', at);
          add(text.substring(at, end).strip(), scope, last);
          at = end + 1;
        }
      } while (!scope.isEmpty());
    }

    private void add(String statement, List<Integer> scope, String label) {
      if (statement.startsWith(".branchtargets")) {
        lists.put(label, List.of(statement.substring(14).strip().split("\\s*,\\s*")));
      } else if (!statement.startsWith(".")) {
        instructions.add(PtxInstruction.of(statement));
        scopes.add(scope);
      }
    }

    private List<List<Integer>> successors() {
      List<List<Integer>> all = new ArrayList<>();
      for (int i = 0; i < instructions.size(); i++) {
        PtxInstruction instruction = instructions.get(i);
        List<Integer> next = new ArrayList<>();
        if (!instruction.leaves()) {
          next.add(i + 1);
        }
        if (instruction.opcode().startsWith("bra")) {
          next.add(find(places, scopes.get(i), instruction.target()));
        } else if (instruction.opcode().startsWith("brx")) {
          for (String target : find(lists, scopes.get(i), instruction.target())) {
            next.add(find(places, scopes.get(i), target));
          }
        }
        next.removeIf(index -> index >= instructions.size());
        all.add(next);
      }
      return all;
    }

    private static <V> V find(Map<String, V> known, List<Integer> scope, String label) {
      for (int each : scope.reversed()) {
        V found = known.get(each + " " + label);
        if (found != null) {
          return found;
        }
      }
      throw new IllegalArgumentException("unknown label " + label);
    }
  }
}

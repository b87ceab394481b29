package dev.culebra.examples.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A self-contained page about one or more runs: it includes style, script, chart library and
 * figures. Its security policy allows only its own two scripts, identified by their hashes, and
 * loads nothing.
 */
public final class ReportPage {
  private static final String UPLOT = "/META-INF/resources/webjars/uplot/";
  private static final Pattern PLACE = Pattern.compile("\\{\\{(\\w+)}}");
  private static final String GENERATOR = "<meta name=\"generator\" content=\"Culebra\">";
  private static final int BEGINNING = 2048;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss zzz", Locale.ROOT);

  private final String template;
  private final String style;
  private final String library;
  private final String script;
  private final String licence;
  private final String libraryVersion;

  /** Reads the resources that all pages share. */
  public ReportPage() {
    libraryVersion = uplotVersion();
    String uplot = UPLOT + libraryVersion;
    template = resource("report.html");
    style = resource(uplot + "/dist/uPlot.min.css") + "\n" + resource("report.css");
    licence = resource(uplot + "/LICENSE").strip();
    library = "/*\n" + licence + "\n*/\n" + resource(uplot + "/dist/uPlot.iife.min.js");
    script = resource("report.js");
  }

  /** The version on the class path, as Maven wrote it into the jar. */
  private static String uplotVersion() {
    Properties properties = new Properties();
    try (InputStream file = open("/META-INF/maven/org.webjars.npm/uplot/pom.properties")) {
      properties.load(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }

  private static InputStream open(String name) {
    InputStream resource = ReportPage.class.getResourceAsStream(name);
    if (resource == null) {
      throw new IllegalStateException("the class path lacks " + name);
    }
    return resource;
  }

  private static String resource(String name) {
    try (InputStream resource = open(name)) {
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Whether a file starts like a page written by this class. */
  public static boolean isReport(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try (InputStream in = Files.newInputStream(file)) {
      return new String(in.readNBytes(BEGINNING), StandardCharsets.UTF_8).contains(GENERATOR);
    }
  }

  /**
   * A page for a file.
   *
   * @param runs at least one
   */
  public String of(List<RunRecord> runs) {
    return of(runs, false);
  }

  /**
   * @param live whether the page asks its server for updates
   */
  String of(List<RunRecord> records, boolean live) {
    LossUnit unit = LossUnit.of(records);
    List<RunRecord> runs = unit.convert(records);
    String names = runs.stream().map(RunRecord::name).collect(Collectors.joining(", "));
    return fill(
        Map.ofEntries(
            Map.entry("policy", policy(live)),
            Map.entry("title", Html.escape(names + " · Culebra")),
            Map.entry("style", style),
            Map.entry("library", library),
            Map.entry("script", script),
            Map.entry("data", Html.scriptJson(ReportJson.page(runs, live).toString())),
            Map.entry("heading", Html.escape(runs.size() == 1 ? names : runs.size() + " runs")),
            Map.entry("facts", FactsHtml.of(runs)),
            Map.entry("unit", unit.caption()),
            Map.entry("thinned", thinned(runs)),
            Map.entry("samples", SamplesHtml.of(runs)),
            Map.entry("configuration", TablesHtml.configuration(runs)),
            Map.entry("machine", TablesHtml.machine(runs)),
            Map.entry("written", TIME.format(Instant.now().atZone(ZoneId.systemDefault()))),
            Map.entry("uplot", Html.escape(libraryVersion)),
            Map.entry("licence", Html.escape(licence))));
  }

  /** Fills the placeholders of the template in one pass: inserted text is not scanned again. */
  private String fill(Map<String, String> parts) {
    return PLACE
        .matcher(template)
        .replaceAll(place -> Matcher.quoteReplacement(parts.get(place.group(1))));
  }

  private String policy(boolean live) {
    return ("default-src 'none'; img-src data:; script-src %s %s; style-src %s; %sbase-uri 'none';"
            + " form-action 'none'")
        .formatted(hash(library), hash(script), hash(style), live ? "connect-src 'self'; " : "");
  }

  private static String hash(String content) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(content.getBytes(StandardCharsets.UTF_8));
      return "'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java runtime has it
    }
  }

  /** The note about omitted rows; empty if there are none. */
  static String thinned(List<RunRecord> runs) {
    int most = runs.stream().mapToInt(run -> run.metrics().size()).max().orElse(0);
    return most <= Thinning.LIMIT
        ? ""
        : """
        <p class="note">Of up to %,d logged steps per run, this page shows at most %,d: the lowest \
        and highest values of every curve in each stretch. All are in metrics.jsonl.</p>\
        """
            .formatted(most, Thinning.LIMIT);
  }
}

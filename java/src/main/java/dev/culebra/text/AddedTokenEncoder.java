package dev.culebra.text;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Recognises tokens by their content: the leftmost first, and at one position the longest. The text
 * between them goes to the encoder for ordinary text, each part separately.
 */
final class AddedTokenEncoder implements TokenEncoder {
  /** Sorted by length, longest first. */
  private final List<AddedToken> tokens;

  /** The first character of each content. */
  private final String firsts;

  private final TokenEncoder text;
  private final StringBuilder pending = new StringBuilder();

  AddedTokenEncoder(List<AddedToken> tokens, TokenEncoder text) {
    this.tokens =
        tokens.stream()
            .sorted(
                Comparator.comparingInt((AddedToken token) -> token.content().length()).reversed())
            .toList();
    this.firsts =
        tokens.stream()
            .map(token -> token.content().substring(0, 1))
            .distinct()
            .collect(Collectors.joining());
    this.text = text;
  }

  @Override
  public int[] accept(String piece) {
    pending.append(piece);
    return encode(false);
  }

  @Override
  public int[] finish() {
    int[] known = encode(true);
    return IntArrays.concat(known, text.finish());
  }

  private int[] encode(boolean last) {
    List<int[]> parts = new ArrayList<>();
    String known = pending.toString();
    int done = 0;
    int at = 0;
    while (at < known.length()) {
      if (firsts.indexOf(known.charAt(at)) < 0) {
        at++;
        continue;
      }
      AddedToken token = startingAt(known, at);
      if (!last && mayStartAt(known, at, token)) {
        break;
      }
      if (token == null) {
        at++;
        continue;
      }
      parts.add(text.accept(known.substring(done, at)));
      parts.add(text.finish());
      parts.add(new int[] {token.id()});
      at += token.content().length();
      done = at;
    }
    parts.add(text.accept(known.substring(done, at)));
    pending.delete(0, at);
    return IntArrays.concat(parts);
  }

  private AddedToken startingAt(String known, int at) {
    for (AddedToken token : tokens) {
      if (known.startsWith(token.content(), at)) {
        return token;
      }
    }
    return null;
  }

  /** Whether more text could complete a token at {@code at} that is longer than {@code found}. */
  private boolean mayStartAt(String known, int at, AddedToken found) {
    int rest = known.length() - at;
    for (AddedToken token : tokens) {
      String content = token.content();
      if (found != null && content.length() <= found.content().length()) {
        return false;
      }
      if (content.length() > rest && content.startsWith(known.substring(at))) {
        return true;
      }
    }
    return false;
  }
}

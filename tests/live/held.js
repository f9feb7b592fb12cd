/* A target: holds data that Node.js made in buffers of their own, which are malloc's memory, and open
 * streams. Prints a line "COUNT kind how-many" (tabs between) for each kind, then READY. */
const http = require('http'), zlib = require('zlib');
const kept = [], counts = {};
function hold(kind, data) {
  const buffer = Buffer.allocUnsafeSlow(data.length);
  buffer.set(data);
  kept.push(buffer);
  counts[kind] = (counts[kind] || 0) + 1;
}
const record = n => ({ id: n, name: 'order ' + n, tags: ['a', 'b', String(n * n)], open: n % 2 === 0, next: null });
for (let n = 0; n < 20; n++) {
  const text = Buffer.from(JSON.stringify(Array.from({ length: 30 + n }, (_, at) => record(n * 100 + at))));
  hold('json array', text);
  hold('json object', Buffer.from(JSON.stringify(record(n))));
  hold('gzip', zlib.gzipSync(text));
  hold('zlib', zlib.deflateSync(text));
}
for (let n = 0; n < 25; n++) {
  const inflate = zlib.createInflate(), deflate = zlib.createDeflate();
  inflate.on('data', () => {}); deflate.on('data', () => {});
  inflate.write(zlib.deflateSync(Buffer.alloc(3000, 'order item ')).subarray(0, 20));
  deflate.write(Buffer.alloc(3000, 'order item '));
  kept.push(inflate, deflate);
}
const server = http.createServer((request, response) => response.end(JSON.stringify(record(1)))).listen(0, '127.0.0.1', () => {
  let left = 10;
  for (let n = 0; n < 10; n++) {
    const link = require('net').connect(server.address().port, '127.0.0.1');
    const parts = [];
    link.on('data', part => parts.push(part));
    link.on('end', () => {
      hold('http response', Buffer.concat(parts));
      if (--left === 0) {
        for (const kind in counts) console.log(['COUNT', kind, counts[kind]].join('\t'));
        console.log('READY');
      }
    });
    link.write('GET /orders/' + n + ' HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  }
});
